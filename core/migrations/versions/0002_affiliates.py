"""People who promote, their links, attribution and commission; coupons in orders."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('order_lines', sa.Column('discount_minor', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('orders', sa.Column('coupon_code', sa.Text(), nullable=True))
    op.add_column('orders', sa.Column('discount_minor', sa.BigInteger(), server_default='0', nullable=False))
    op.execute("ALTER TABLE order_lines DROP COLUMN total_minor, ADD COLUMN total_minor BIGINT NOT NULL "
               "GENERATED ALWAYS AS (quantity * unit_price_minor - discount_minor) STORED")
    op.create_check_constraint(op.f("ck_order_lines_discount"), "order_lines",
                               "discount_minor BETWEEN 0 AND quantity * unit_price_minor")
    op.create_check_constraint(op.f("ck_orders_discount"), "orders",
                               "discount_minor >= 0 AND (discount_minor = 0 OR coupon_code IS NOT NULL)")
    op.create_table('affiliate_acts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=True),
    sa.Column('by_member_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['by_member_id'], ['members.id'], name=op.f('fk_affiliate_acts_by_member_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_affiliate_acts_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_affiliate_acts'))
    )
    op.create_index('ix_affiliate_acts_merchant', 'affiliate_acts', ['merchant_id', 'id'], unique=False)
    op.create_index(op.f('ix_affiliate_acts_subject_id'), 'affiliate_acts', ['subject_id'], unique=False)
    op.create_table('affiliate_programs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=True),
    sa.Column('approval', sa.Enum('manual', 'all', 'paid_orders', name='affiliate_approval', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('min_paid_orders', sa.Integer(), nullable=False),
    sa.Column('notice_days', sa.Integer(), nullable=False),
    sa.Column('hold_days', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('hold_days BETWEEN 0 AND 365', name=op.f('ck_affiliate_programs_hold_days')),
    sa.CheckConstraint('min_paid_orders BETWEEN 0 AND 1000', name=op.f('ck_affiliate_programs_min_paid_orders')),
    sa.CheckConstraint('notice_days BETWEEN 0 AND 365', name=op.f('ck_affiliate_programs_notice_days')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_affiliate_programs_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_affiliate_programs')),
    sa.UniqueConstraint('merchant_id', name=op.f('uq_affiliate_programs_merchant_id'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('affiliates',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('display_name', sa.Text(), nullable=False),
    sa.Column('about', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('applied', 'active', 'frozen', 'closed', name='affiliate_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('parent_id <> id', name=op.f('ck_affiliates_own_parent')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_affiliates_member_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['affiliates.id'], name=op.f('fk_affiliates_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_affiliates')),
    sa.UniqueConstraint('member_id', name=op.f('uq_affiliates_member_id'))
    )
    op.create_index(op.f('ix_affiliates_parent_id'), 'affiliates', ['parent_id'], unique=False)
    op.create_table('commission_hold_periods',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.CheckConstraint('days BETWEEN 0 AND 365', name=op.f('ck_commission_hold_periods_days')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_commission_hold_periods_merchant_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'category', name=op.f('pk_commission_hold_periods'))
    )
    op.create_table('visitor_members',
    sa.Column('visitor', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_visitor_members_member_id')),
    sa.PrimaryKeyConstraint('visitor', 'member_id', name=op.f('pk_visitor_members'))
    )
    op.create_index(op.f('ix_visitor_members_member_id'), 'visitor_members', ['member_id'], unique=False)
    op.create_table('affiliate_invitations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('tier', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('by_member_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('affiliate_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_affiliate_invitations_email_lower')),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_affiliate_invitations_affiliate_id')),
    sa.ForeignKeyConstraint(['by_member_id'], ['members.id'], name=op.f('fk_affiliate_invitations_by_member_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_affiliate_invitations_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_affiliate_invitations')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_affiliate_invitations_token_hash'))
    )
    op.create_index(op.f('ix_affiliate_invitations_merchant_id'), 'affiliate_invitations', ['merchant_id'], unique=False)
    op.create_index('uq_affiliate_invitations_open', 'affiliate_invitations', ['merchant_id', 'email'], unique=True, postgresql_where=sa.text('accepted_at IS NULL'))
    op.create_table('affiliate_totals_due',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_affiliate_totals_due_affiliate_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_affiliate_totals_due'))
    )
    op.create_table('affiliations',
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('applied', 'active', 'frozen', 'closed', name='affiliation_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('tier', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("tier ~ '^[a-z0-9_-]{1,30}$'", name=op.f('ck_affiliations_tier')),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_affiliations_affiliate_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_affiliations_merchant_id')),
    sa.PrimaryKeyConstraint('affiliate_id', 'merchant_id', name=op.f('pk_affiliations'))
    )
    op.create_index('ix_affiliations_merchant', 'affiliations', ['merchant_id', 'state'], unique=False)
    op.create_table('attribution_policies',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('sources', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('window_days', sa.Integer(), nullable=False),
    sa.Column('bind_days', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("sources <@ ARRAY['coupon', 'room', 'click', 'bound'] AND cardinality(sources) >= 1", name=op.f('ck_attribution_policies_sources')),
    sa.CheckConstraint('bind_days BETWEEN 0 AND 3650', name=op.f('ck_attribution_policies_bind_days')),
    sa.CheckConstraint('window_days BETWEEN 1 AND 90', name=op.f('ck_attribution_policies_window_days')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_attribution_policies_campaign_id')),
    sa.ForeignKeyConstraint(['created_by'], ['members.id'], name=op.f('fk_attribution_policies_created_by')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_attribution_policies_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attribution_policies')),
    sa.UniqueConstraint('merchant_id', 'campaign_id', 'version', name=op.f('uq_attribution_policies_merchant_id_campaign_id_version'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('commission_bonuses',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('measure', sa.Enum('units', 'orders', 'revenue', name='bonus_measure', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('threshold', sa.BigInteger(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('threshold > 0 AND amount_minor > 0', name=op.f('ck_commission_bonuses_positive')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_commission_bonuses_campaign_id')),
    sa.ForeignKeyConstraint(['created_by'], ['members.id'], name=op.f('fk_commission_bonuses_created_by')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_commission_bonuses_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commission_bonuses'))
    )
    op.create_index(op.f('ix_commission_bonuses_campaign_id'), 'commission_bonuses', ['campaign_id'], unique=False)
    op.create_table('commission_budgets',
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('spent_minor', sa.BigInteger(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('spent_minor BETWEEN 0 AND amount_minor', name=op.f('ck_commission_budgets_spent')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_commission_budgets_campaign_id')),
    sa.ForeignKeyConstraint(['created_by'], ['members.id'], name=op.f('fk_commission_budgets_created_by')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_commission_budgets_merchant_id')),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_commission_budgets'))
    )
    op.create_index(op.f('ix_commission_budgets_merchant_id'), 'commission_budgets', ['merchant_id'], unique=False)
    op.create_table('coupons',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('percent_ppm', sa.Integer(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("code ~ '^[0-9A-Z]{3,24}$'", name=op.f('ck_coupons_code')),
    sa.CheckConstraint('(amount_minor IS NULL) = (currency IS NULL)', name=op.f('ck_coupons_currency')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_coupons_amount')),
    sa.CheckConstraint('num_nonnulls(percent_ppm, amount_minor) <= 1', name=op.f('ck_coupons_one_discount')),
    sa.CheckConstraint('percent_ppm BETWEEN 1 AND 900000', name=op.f('ck_coupons_percent')),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_coupons_affiliate_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_coupons_campaign_id')),
    sa.ForeignKeyConstraint(['created_by'], ['members.id'], name=op.f('fk_coupons_created_by')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_coupons_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coupons')),
    sa.UniqueConstraint('merchant_id', 'code', name=op.f('uq_coupons_merchant_id_code'))
    )
    op.create_index(op.f('ix_coupons_affiliate_id'), 'coupons', ['affiliate_id'], unique=False)
    op.create_table('affiliate_bindings',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('bound_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_affiliate_bindings_affiliate_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_affiliate_bindings_member_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_affiliate_bindings_merchant_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_affiliate_bindings_order_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'member_id', name=op.f('pk_affiliate_bindings'))
    )
    op.create_index(op.f('ix_affiliate_bindings_affiliate_id'), 'affiliate_bindings', ['affiliate_id'], unique=False)
    op.create_index(op.f('ix_affiliate_bindings_order_id'), 'affiliate_bindings', ['order_id'], unique=False)
    op.create_table('commission_rules',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.Column('category', sa.Text(), nullable=True),
    sa.Column('tier', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('rate_ppm', sa.Integer(), nullable=True),
    sa.Column('flat_minor', sa.BigInteger(), nullable=True),
    sa.Column('level2_ppm', sa.Integer(), nullable=False),
    sa.Column('cap_minor', sa.BigInteger(), nullable=True),
    sa.Column('hold_days', sa.Integer(), nullable=True),
    sa.Column('valid', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('published_by', sa.Uuid(), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.CheckConstraint("category <> '' AND tier <> ''", name=op.f('ck_commission_rules_scope')),
    sa.CheckConstraint('(coalesce(flat_minor, cap_minor) IS NULL) = (currency IS NULL)', name=op.f('ck_commission_rules_currency')),
    sa.CheckConstraint('NOT isempty(valid) AND NOT lower_inf(valid)', name=op.f('ck_commission_rules_valid')),
    sa.CheckConstraint('cap_minor >= 0', name=op.f('ck_commission_rules_cap')),
    sa.CheckConstraint('flat_minor >= 0', name=op.f('ck_commission_rules_flat')),
    sa.CheckConstraint('hold_days BETWEEN 0 AND 365', name=op.f('ck_commission_rules_hold_days')),
    sa.CheckConstraint('num_nonnulls(rate_ppm, flat_minor) = 1', name=op.f('ck_commission_rules_one_rate')),
    sa.CheckConstraint('rate_ppm BETWEEN 0 AND 1000000 AND level2_ppm BETWEEN 0 AND 1000000 AND coalesce(rate_ppm, 0) + level2_ppm <= 1000000', name=op.f('ck_commission_rules_rate')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_commission_rules_campaign_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_commission_rules_merchant_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_commission_rules_product_id')),
    sa.ForeignKeyConstraint(['published_by'], ['members.id'], name=op.f('fk_commission_rules_published_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commission_rules')),
    sa.UniqueConstraint('merchant_id', 'campaign_id', 'product_id', 'category', 'tier', 'version', name='uq_commission_rules_version', postgresql_nulls_not_distinct=True)
    )
    op.create_index(op.f('ix_commission_rules_campaign_id'), 'commission_rules', ['campaign_id'], unique=False)
    op.create_table('tracking_links',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('live_session_id', sa.Uuid(), nullable=True),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("code ~ '^[0-9a-zA-Z]{4,16}$'", name=op.f('ck_tracking_links_code')),
    sa.CheckConstraint('num_nonnulls(campaign_id, live_session_id, product_id) >= 1', name=op.f('ck_tracking_links_target')),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_tracking_links_affiliate_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_tracking_links_campaign_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_tracking_links_merchant_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_tracking_links_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tracking_links')),
    sa.UniqueConstraint('code', name=op.f('uq_tracking_links_code'))
    )
    op.create_index('ix_tracking_links_affiliate', 'tracking_links', ['affiliate_id', 'id'], unique=False)
    op.create_table('attributions',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('affiliate_id', sa.Uuid(), nullable=True),
    sa.Column('leader_id', sa.Uuid(), nullable=True),
    sa.Column('tier', sa.Text(), nullable=True),
    sa.Column('source', sa.Enum('coupon', 'room', 'click', 'bound', name='attribution_source', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('link_id', sa.Uuid(), nullable=True),
    sa.Column('coupon_id', sa.Uuid(), nullable=True),
    sa.Column('visitor', sa.Uuid(), nullable=True),
    sa.Column('policy_version', sa.Integer(), nullable=False),
    sa.Column('policy', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('candidates', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('(affiliate_id IS NULL) = (source IS NULL)', name=op.f('ck_attributions_winner')),
    sa.CheckConstraint('leader_id IS NULL OR affiliate_id IS NOT NULL', name=op.f('ck_attributions_leader')),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_attributions_affiliate_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_attributions_campaign_id')),
    sa.ForeignKeyConstraint(['coupon_id'], ['coupons.id'], name=op.f('fk_attributions_coupon_id')),
    sa.ForeignKeyConstraint(['leader_id'], ['affiliates.id'], name=op.f('fk_attributions_leader_id')),
    sa.ForeignKeyConstraint(['link_id'], ['tracking_links.id'], name=op.f('fk_attributions_link_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_attributions_merchant_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_attributions_order_id')),
    sa.PrimaryKeyConstraint('order_id', name=op.f('pk_attributions'))
    )
    op.create_index('ix_attributions_affiliate', 'attributions', ['affiliate_id', 'order_id'], unique=False)
    op.create_index('ix_attributions_campaign', 'attributions', ['campaign_id', 'affiliate_id'], unique=False)
    op.create_table('clicks',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('link_id', sa.Uuid(), nullable=False),
    sa.Column('visitor', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=True),
    sa.Column('utm', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('referrer', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['link_id'], ['tracking_links.id'], name=op.f('fk_clicks_link_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_clicks_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clicks'))
    )
    op.create_index('ix_clicks_created', 'clicks', ['created_at'], unique=False, postgresql_using='brin')
    op.create_index('ix_clicks_link', 'clicks', ['link_id', 'created_at'], unique=False)
    op.create_index('ix_clicks_member', 'clicks', ['member_id', 'created_at'], unique=False)
    op.create_index('ix_clicks_visitor', 'clicks', ['visitor', 'created_at'], unique=False)
    op.create_table('commissions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('order_line_id', sa.Uuid(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('sale', 'bonus', name='commission_kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('rule_id', sa.Uuid(), nullable=True),
    sa.Column('bonus_id', sa.Uuid(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('base_minor', sa.BigInteger(), nullable=False),
    sa.Column('rate_ppm', sa.Integer(), nullable=True),
    sa.Column('flat_minor', sa.BigInteger(), nullable=True),
    sa.Column('cap_minor', sa.BigInteger(), nullable=True),
    sa.Column('capped_by', sa.Enum('rule', 'budget', name='capped_by', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), sa.Computed('least(CASE WHEN rate_ppm IS NULL THEN flat_minor * quantity ELSE div(base_minor::numeric * rate_ppm + 500000, 1000000)::bigint END, cap_minor)', persisted=True), nullable=False),
    sa.Column('reversed_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('hold_days', sa.Integer(), nullable=False),
    sa.Column('matures_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(kind = 'sale') = (rule_id IS NOT NULL) AND (kind = 'bonus') = (bonus_id IS NOT NULL)", name=op.f('ck_commissions_reason')),
    sa.CheckConstraint('level IN (1, 2)', name=op.f('ck_commissions_level')),
    sa.CheckConstraint('num_nonnulls(rate_ppm, flat_minor) = 1', name=op.f('ck_commissions_one_rate')),
    sa.CheckConstraint('quantity > 0 AND base_minor >= 0', name=op.f('ck_commissions_base')),
    sa.CheckConstraint('rate_ppm BETWEEN 0 AND 1000000 AND flat_minor >= 0 AND cap_minor >= 0', name=op.f('ck_commissions_rate')),
    sa.CheckConstraint('reversed_minor BETWEEN 0 AND amount_minor', name=op.f('ck_commissions_reversed')),
    sa.ForeignKeyConstraint(['affiliate_id'], ['affiliates.id'], name=op.f('fk_commissions_affiliate_id')),
    sa.ForeignKeyConstraint(['bonus_id'], ['commission_bonuses.id'], name=op.f('fk_commissions_bonus_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_commissions_campaign_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_commissions_merchant_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_commissions_order_id')),
    sa.ForeignKeyConstraint(['order_line_id'], ['order_lines.id'], name=op.f('fk_commissions_order_line_id')),
    sa.ForeignKeyConstraint(['rule_id'], ['commission_rules.id'], name=op.f('fk_commissions_rule_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commissions')),
    sa.UniqueConstraint('bonus_id', 'affiliate_id', name='uq_commissions_bonus_once'),
    sa.UniqueConstraint('order_line_id', 'level', 'kind', 'bonus_id', name='uq_commissions_once', postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_commissions_affiliate', 'commissions', ['affiliate_id', 'id'], unique=False)
    op.create_index(op.f('ix_commissions_order_id'), 'commissions', ['order_id'], unique=False)
    op.create_index('ix_commissions_rule', 'commissions', ['rule_id'], unique=False)
    op.create_index('ix_commissions_settle', 'commissions', ['campaign_id', 'affiliate_id'], unique=False, postgresql_include=['id', 'amount_minor', 'reversed_minor', 'matures_at', 'held'])
    op.create_table('commission_adjustments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('commission_id', sa.Uuid(), nullable=False),
    sa.Column('cause_type', sa.Enum('refund', 'dispute', 'rejection', 'correction', name='adjustment_cause', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('cause_id', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('basis_minor', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('by_member_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("amount_minor <= 0 OR cause_type = 'correction'", name=op.f('ck_commission_adjustments_sign')),
    sa.CheckConstraint('basis_minor >= 0', name=op.f('ck_commission_adjustments_basis')),
    sa.ForeignKeyConstraint(['by_member_id'], ['members.id'], name=op.f('fk_commission_adjustments_by_member_id')),
    sa.ForeignKeyConstraint(['commission_id'], ['commissions.id'], name=op.f('fk_commission_adjustments_commission_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commission_adjustments')),
    sa.UniqueConstraint('cause_type', 'cause_id', 'commission_id', name=op.f('uq_commission_adjustments_cause_type_cause_id_commission_id'))
    )
    op.create_index('ix_commission_adjustments_commission', 'commission_adjustments', ['commission_id', 'id'], unique=False)
    op.create_table('commission_holds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('commission_id', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decision', sa.Enum('released', 'rejected', name='hold_decision', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.CheckConstraint("decision IS NULL OR note <> ''", name=op.f('ck_commission_holds_note')),
    sa.CheckConstraint('num_nonnulls(decided_at, decided_by, decision) IN (0, 3)', name=op.f('ck_commission_holds_decided')),
    sa.ForeignKeyConstraint(['commission_id'], ['commissions.id'], name=op.f('fk_commission_holds_commission_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['members.id'], name=op.f('fk_commission_holds_decided_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commission_holds')),
    sa.UniqueConstraint('commission_id', 'reason', name=op.f('uq_commission_holds_commission_id_reason'))
    )
    op.create_index(op.f('ix_commission_holds_commission_id'), 'commission_holds', ['commission_id'], unique=False)
    op.create_index('ix_commission_holds_open', 'commission_holds', ['opened_at'], unique=False, postgresql_where=sa.text('decided_at IS NULL'))
    op.execute("""CREATE OR REPLACE FUNCTION facts_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$""")
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON affiliate_acts
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")
    op.execute("""CREATE OR REPLACE FUNCTION affiliate_team() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE above uuid;
    BEGIN
      IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
      SELECT parent_id INTO above FROM affiliates WHERE id = NEW.parent_id FOR NO KEY UPDATE;
      IF NEW.parent_id = NEW.id OR above = NEW.id THEN
        RAISE EXCEPTION 'affiliate % would lead itself', NEW.id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'affiliate_team_circle';
      END IF;
      IF above IS NOT NULL OR EXISTS (SELECT FROM affiliates WHERE parent_id = NEW.id) THEN
        RAISE EXCEPTION 'affiliate % would be on a third level', NEW.id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'affiliate_team_levels';
      END IF;
      RETURN NEW;
    END $$""")
    op.execute("""CREATE TRIGGER affiliate_team BEFORE INSERT OR UPDATE OF parent_id ON affiliates
    FOR EACH ROW EXECUTE FUNCTION affiliate_team()""")
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON attributions
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON attribution_policies
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")
    op.execute("""CREATE EXTENSION IF NOT EXISTS btree_gist""")
    op.execute("""ALTER TABLE commission_rules ADD CONSTRAINT ex_commission_rules_overlap EXCLUDE USING gist (
      merchant_id WITH =, coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH =, coalesce(product_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH =,
      coalesce(category, '') WITH =, coalesce(tier, '') WITH =, valid WITH &&)""")
    op.execute("""CREATE OR REPLACE FUNCTION commission_rule_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE before commission_rules := OLD;
    BEGIN
      before.valid := NEW.valid;
      IF TG_OP = 'DELETE' OR before IS DISTINCT FROM NEW OR lower(NEW.valid) <> lower(OLD.valid)
          OR coalesce(upper(OLD.valid), 'infinity') <= now() OR coalesce(upper(NEW.valid), 'infinity') < now() THEN
        RAISE EXCEPTION 'rule % is published: its terms are frozen', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""")
    op.execute("""CREATE TRIGGER commission_rule_frozen BEFORE UPDATE OR DELETE ON commission_rules
    FOR EACH ROW EXECUTE FUNCTION commission_rule_frozen()""")
    op.execute("""CREATE OR REPLACE FUNCTION commission_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE before commissions := OLD;
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        before.matures_at := NEW.matures_at;
        IF pg_trigger_depth() > 1 THEN
          before.reversed_minor := NEW.reversed_minor;
          before.held := NEW.held;
        END IF;
        before.amount_minor := NEW.amount_minor;  -- computed after this trigger
        IF before IS NOT DISTINCT FROM NEW AND (OLD.matures_at IS NULL OR OLD.matures_at = NEW.matures_at) THEN
          RETURN NEW;
        END IF;
      END IF;
      RAISE EXCEPTION 'commission % is a fact: adjust it, hold it, or leave it', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
    END $$""")
    op.execute("""CREATE TRIGGER commission_frozen BEFORE UPDATE OR DELETE ON commissions
    FOR EACH ROW EXECUTE FUNCTION commission_frozen()""")
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON commission_adjustments
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")
    op.execute("""CREATE OR REPLACE FUNCTION commission_adjusted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE commissions SET reversed_minor = reversed_minor - a.amount_minor
      FROM (SELECT commission_id, sum(amount_minor) AS amount_minor FROM fresh GROUP BY commission_id) a
      WHERE commissions.id = a.commission_id AND a.amount_minor <> 0;
      RETURN NULL;
    END $$""")
    op.execute("""CREATE TRIGGER commission_adjusted AFTER INSERT ON commission_adjustments REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION commission_adjusted()""")
    op.execute("""CREATE OR REPLACE FUNCTION commission_hold_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' OR OLD.decided_at IS NOT NULL
          OR (NEW.id, NEW.commission_id, NEW.reason, NEW.evidence, NEW.opened_at)
          IS DISTINCT FROM (OLD.id, OLD.commission_id, OLD.reason, OLD.evidence, OLD.opened_at) THEN
        RAISE EXCEPTION 'hold % is decided once', OLD.id USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""")
    op.execute("""CREATE TRIGGER commission_hold_frozen BEFORE UPDATE OR DELETE ON commission_holds
    FOR EACH ROW EXECUTE FUNCTION commission_hold_frozen()""")
    op.execute("""CREATE OR REPLACE FUNCTION commission_hold_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE commissions SET held = EXISTS (SELECT FROM commission_holds h
        WHERE h.commission_id = NEW.commission_id AND h.decided_at IS NULL) WHERE id = NEW.commission_id;
      RETURN NULL;
    END $$""")
    op.execute("""CREATE TRIGGER commission_hold_moved AFTER INSERT OR UPDATE ON commission_holds
    FOR EACH ROW EXECUTE FUNCTION commission_hold_moved()""")


def downgrade():
    raise RuntimeError("money is not taken out of a database; restore a backup instead")
